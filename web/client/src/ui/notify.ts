/** Notes of the system while one looks elsewhere, if the person has allowed them. */

/** Returns what takes the note away again. */
export function notify(title: string, options: NotificationOptions, open: () => void): () => void {
  const nothing = (): void => undefined;
  if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return nothing;
  try {
    const note = new Notification(title, { icon: "/icon.svg", ...options });
    note.onclick = () => {
      window.focus();
      open();
      note.close();
    };
    return () => note.close();
  } catch {
    return nothing; // Chrome on Android has the class and refuses to make one: the page itself rings and shows
  }
}
