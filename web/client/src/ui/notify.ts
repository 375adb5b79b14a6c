/** Notes of the system while one looks elsewhere, if the person has allowed them. */

export function notify(title: string, options: NotificationOptions, open: () => void): void {
  if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
  const note = new Notification(title, { icon: "/icon.svg", ...options });
  note.onclick = () => {
    window.focus();
    open();
    note.close();
  };
}
