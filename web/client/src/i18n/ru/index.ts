import type { Messages } from "../en";
import admin from "./admin";
import app from "./app";
import chat from "./chat";
import phone from "./phone";
import settings from "./settings";

const ru: Messages = { ...app, ...phone, ...chat, ...settings, ...admin };

export default ru;
