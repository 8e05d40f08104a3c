import { createApp } from "vue";
import "../shared/base.css";
import { browserStorage } from "../shared/storage";
import ChatPage from "./ChatPage.vue";
import { Conversation } from "./conversation";

const conversation = new Conversation(browserStorage());
createApp(ChatPage, { conversation }).mount("#app");
conversation.start();
