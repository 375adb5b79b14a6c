/** The one place where an event of the server finds its stores. A new type of event fails to compile here. */
import { useCalls } from "@/calls/store";
import { useChat } from "@/chat/store";
import type { LiveEvent } from "@/live/events";
import { changed } from "@/live/topics";
import { usePeople } from "@/people/store";
import { assertNever } from "@/ui/assert_never";
import { useSession } from "@/app/session";

export function dispatch(event: LiveEvent): void {
  switch (event.type) {
    case "message.sent":
    case "message.changed":
    case "conversation.added":
    case "conversation.changed":
    case "conversation.muted":
    case "conversation.removed":
    case "read.changed":
    case "typing":
      useChat().receive(event);
      return;
    case "chat.reset":
      void useChat().reset();
      return;
    case "connected": // `connection.ts` has begun to catch up
      return;
    case "presence.changed":
      usePeople().apply({ type: "presence", people: event.data.people });
      return;
    case "call.recorded":
      useCalls().apply({ type: "recorded", call: event.data.call });
      return;
    case "call.live":
      useCalls().apply({ type: "live", call: event.data.call });
      changed("calls");
      return;
    case "calls.reset":
      void useCalls().refresh();
      changed("calls");
      return;
    case "calls.seen":
      useCalls().apply({ type: "seen" });
      return;
    case "profile.changed":
      void useSession().refresh();
      void usePeople().load();
      return;
    case "directory.changed":
      usePeople().expire(event.data.numbers);
      changed("directory");
      return;
    case "forwarding.changed":
      changed("forwarding");
      return;
    case "device.changed":
      changed("devices");
      return;
    case "blocks.changed":
      changed("blocks");
      return;
    case "registration.changed":
      changed("registrations");
      return;
    case "session.revoked":
      useSession().signedOut();
      return;
    default:
      assertNever(event);
  }
}
