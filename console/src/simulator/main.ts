import { createApp } from "vue";
import "../shared/base.css";
import "../shared/staff/staff.css";
import SimulatorPage from "./SimulatorPage.vue";

createApp(SimulatorPage).mount("#app");
