/**
 * Whose browser this is. What is kept in it (drafts, what could not be sent yet, numbers that were dialled) is of one
 * person: whoever else signs in here finds nothing of it. All tabs share one cookie, so they also share this.
 */
import { forgetOutbox } from "@/chat/outbox";
import { forgetUploads } from "@/chat/uploads";
import { forgetDialled } from "@/phone/dialled";

const OWNER = "gorizont.owner";

/** The person who has signed in has this browser from now on. */
export function own(number: string): void {
  const before = localStorage.getItem(OWNER);
  if (before !== number) forgetEverything();
  localStorage.setItem(OWNER, number);
}

/** Whether somebody else has signed in, in another tab. */
export function isTakenFrom(number: string): boolean {
  const now = localStorage.getItem(OWNER);
  return now !== null && now !== number;
}

/** What a person who signs out leaves behind: nothing. */
export function forgetEverything(): void {
  forgetOutbox();
  forgetUploads();
  forgetDialled();
  localStorage.removeItem(OWNER);
}

/** Calls the handler when somebody else signs in, in another tab. Returns what ends that. */
export function watchOwner(number: string, taken: () => void): () => void {
  const look = (event: StorageEvent): void => {
    if (event.key === OWNER && isTakenFrom(number)) taken();
  };
  addEventListener("storage", look);
  return () => removeEventListener("storage", look);
}
