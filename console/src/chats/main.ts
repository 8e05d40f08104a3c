import { createApp } from "vue";
import "../shared/base.css";
import "../shared/staff/staff.css";
import ChatsPage from "./ChatsPage.vue";

createApp(ChatsPage).mount("#app");
