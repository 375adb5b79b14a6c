/** Who is typing now: a hint is good for six seconds. */
import { translate } from "@/i18n";
import { usePeople } from "@/people/store";
import { useChat } from "@/chat/store";
import { useNow } from "@/ui/now";

const GOOD_FOR = 6_000; // ms; hints come every three seconds

export function useTyping(): { names: (conversation: string) => string } {
  const now = useNow(1_000);
  const chat = useChat();
  const people = usePeople();

  function names(conversation: string): string {
    const hints = chat.state.typing[conversation];
    if (!hints) return "";
    const typing = Object.entries(hints).filter(([, at]) => now.value - at < GOOD_FOR);
    const first = typing[0]?.[0];
    if (!first) return "";
    if (typing.length > 1) return translate("chat.several-typing");
    return translate("chat.typing", { name: people.nameOf(first).split(" ")[0] });
  }
  return { names };
}
