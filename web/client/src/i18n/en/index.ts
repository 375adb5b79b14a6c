import admin from "./admin";
import app from "./app";
import chat from "./chat";
import phone from "./phone";
import settings from "./settings";

const en = { ...app, ...phone, ...chat, ...settings, ...admin };

export default en;

/** The same keys with any text: what every language has. */
type Texts<T> = { [Key in keyof T]: T[Key] extends string ? string : T[Key] extends readonly string[] ? string[] : Texts<T[Key]> };
export type Messages = Texts<typeof en>;
