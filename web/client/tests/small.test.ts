import { describe, expect, it, vi } from "vitest";

import { asCsv } from "@/admin/import";
import { linked } from "@/chat/timeline";
import { parseExplanation, withNumbers } from "@/forwarding/explanation";
import { addable, areSame, missing, newRule, plain } from "@/forwarding/rules";
import { i18n, russianPlural } from "@/i18n";
import en from "@/i18n/en";
import { forwardedFor, isAnsweredElsewhere, numberIn, offersVideo } from "@/phone/identity";
import { isDialable, looksDialled, normalised } from "@/phone/numbers";
import { announce, polite } from "@/ui/announcer";
import { notify } from "@/ui/notify";
import { ranked } from "@/ui/ranking";

const request = (headers: Record<string, string[]>) => ({
  getHeader: (name: string) => headers[name]?.[0],
  getHeaders: (name: string) => headers[name] ?? [],
});

describe("an explanation of the server", () => {
  it("has steps with times, reasons, warnings and alternatives", () => {
    const { heading, steps } = parseExplanation([
      "call from 101 to 102 on Thursday 2026-11-26 at 12:02, directory version 4",
      "1  12:02:04  rings 102 for 20 s, because 102 was dialled",
      "   - rule 'time' did not hold",
      "2  102 did not answer (20 s): rings 205 for 15 s, by rule 'no answer' (version 7)",
      "   ! forward to 102 stopped",
    ]);
    expect(heading).toMatch(/^Call from/);
    expect(steps[0]).toMatchObject({ number: 1, time: "12:02:04", text: "rings 102 for 20 s", reason: "because 102 was dialled" });
    expect(steps[0]?.notes).toEqual([{ text: "rule 'time' did not hold", isWarning: false }]);
    expect(steps[1]).toMatchObject({ time: null, reason: "by rule 'no answer' (version 7)" });
    expect(steps[1]?.notes[0]?.isWarning).toBe(true);
  });

  it("gives names to numbers of people only, and not to times and versions", () => {
    const known = (number: string): boolean => ["102", "18"].includes(number);
    const pieces = withNumbers("rings 102 for 20 s between 18:00 and 09:00", known);
    expect(pieces.filter((piece) => piece.number).map((piece) => piece.text)).toEqual(["102"]);
  });
});

describe("forwarding rules", () => {
  it("say what is missing", () => {
    expect(missing(newRule("always"))).toBe("target");
    expect(missing(newRule("dnd"))).toBeNull();
    expect(missing({ ...newRule("caller"), targets: ["102"] })).toBe("caller");
    expect(missing({ ...newRule("caller"), targets: ["102"], caller: "7495*" })).toBeNull();
    expect(missing({ ...newRule("no-answer"), targets: ["102"], after: 0 })).toBe("after");
    expect(missing({ ...newRule("no-answer"), targets: ["102"], after: 2.5 })).toBe("after");
    expect(missing({ ...newRule("time"), targets: ["102"], days: [] })).toBe("days");
    expect(missing({ ...newRule("time"), targets: ["102"], end: "" })).toBe("time");
    expect(missing({ ...newRule("time"), targets: ["102"], start: "22:00", end: "06:00" })).toBeNull(); // over midnight
  });

  it("of one kind are offered once, but by caller and time often", () => {
    const rules = [newRule("busy"), newRule("time")];
    expect(addable(rules)).not.toContain("busy");
    expect(addable(rules)).toContain("time");
  });

  it("are the same whatever the order of their days", () => {
    const rule = { ...newRule("time"), targets: ["102"] };
    expect(areSame([{ ...rule, days: [2, 0, 1] }], [{ ...rule, days: [0, 1, 2] }])).toBe(true);
    expect(areSame([rule], [{ ...rule, targets: ["103"] }])).toBe(false);
  });

  it("are sent without what their kind doesn't have", () => {
    expect(plain({ kind: "busy", targets: ["102"], after: 20, caller: "x", version: 3, id: 1 })).toEqual({ kind: "busy", targets: ["102"], id: 1 });
  });
});

describe("who calls", () => {
  it("is the number of a SIP address", () => {
    expect(numberIn('"Anna" <sip:101@office.test;user=phone>')).toBe("101");
    expect(numberIn("<sips:%2A43@office.test>")).toBe("*43");
  });

  it("was sent on by the first diversion (RFC 5806: the last value)", () => {
    const diverted = request({ Diversion: ["<sip:103@x>;reason=no-answer", '"B, K" <sip:102@x>;reason=user-busy;counter=1'] });
    expect(forwardedFor(diverted, "101")).toEqual({ number: "102", reason: "busy" });
  });

  it("was sent on by History-Info (RFC 7044)", () => {
    const header = "<sip:102@x>;index=1, <sip:101@x;cause=408>;index=1.1";
    expect(forwardedFor(request({ "History-Info": [header] }), "101")).toEqual({ number: "102", reason: "no-answer" });
    expect(forwardedFor(request({ "History-Info": ["<sip:101@x>;index=1"] }), "101")).toBeNull();
  });

  it("is known to talk elsewhere by the reason (RFC 3326)", () => {
    expect(isAnsweredElsewhere('SIP;cause=200;text="Call completed elsewhere"')).toBe(true);
    expect(isAnsweredElsewhere("SIP;cause=487")).toBe(false);
    expect(isAnsweredElsewhere(undefined)).toBe(false);
  });

  it("offers a picture on a port of its own, or on that of the sound (RFC 9143)", () => {
    const offer = (...video: string[]) => ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=sendrecv", ...video, ""].join("\r\n");
    expect(offersVideo(offer("m=video 9 UDP/TLS/RTP/SAVPF 120"))).toBe(true);
    expect(offersVideo(offer("m=video 0 UDP/TLS/RTP/SAVPF 120", "a=bundle-only", "a=sendrecv"))).toBe(true);
    expect(offersVideo(offer("m=video 0 UDP/TLS/RTP/SAVPF 120", "a=inactive"))).toBe(false);
    expect(offersVideo(offer())).toBe(false);
  });
});

describe("numbers", () => {
  it("are dialled without what people write between the digits", () => {
    expect(normalised("+7 (495) 123-45-67")).toBe("+74951234567");
    expect(looksDialled("*43")).toBe(true);
    expect(looksDialled("Anna")).toBe(false);
    expect(isDialable("12+3")).toBe(false);
  });
});

describe("finding", () => {
  it("puts what begins so before what contains it, and knows ё", () => {
    const names = ["Boris Annenkov", "Anna Orlova", "Joanna", "Фёдор"];
    expect(ranked(names, "ann", (name) => [name], 9)).toEqual(["Anna Orlova", "Boris Annenkov", "Joanna"]);
    expect(ranked(names, "федор", (name) => [name], 9)).toEqual(["Фёдор"]);
    expect(ranked(names, "orlova an", (name) => [name], 9)).toEqual(["Anna Orlova"]);
  });
});

describe("a text with links", () => {
  it("leaves the full stop outside, and makes links of the web only", () => {
    expect(linked("see https://a.test/x. javascript:alert(1)")).toEqual([
      { text: "see " },
      { text: "https://a.test/x", href: "https://a.test/x" },
      { text: ". javascript:alert(1)" },
    ]);
  });
});

describe("pasted people", () => {
  it.each([
    ["101 Anna Orlova\n102 Boris Klimov", "number,name\n101,Anna Orlova\n102,Boris Klimov"],
    ["Anna Orlova\t101", "number,name\n101,Anna Orlova"],
    ["101;Orlova;E-7", "number,name,employee-id\n101,Orlova,E-7"],
    ["number,name\n101,Anna", "number,name\n101,Anna"],
    ["number;name\n101;Orlova, Anna", 'number;name\n101;Orlova, Anna'],
  ])("%j", (text, csv) => {
    if (text.startsWith("number;")) expect(asCsv(text).split("\n")[0]).toBe("number,name");
    else expect(asCsv(text)).toBe(csv);
  });
});

describe("Russian plurals", () => {
  it.each([
    [1, 0], [2, 1], [5, 2], [11, 2], [12, 2], [21, 0], [22, 1], [25, 2], [111, 2],
  ])("%i takes form %i of three", (count, form) => {
    expect(russianPlural(count, 3)).toBe(form);
  });

  it("has a form for none where there are four", () => {
    expect([0, 1, 3, 7].map((count) => russianPlural(count, 4))).toEqual([0, 1, 2, 3]);
  });
});

describe("a screen reader", () => {
  it("says the same words again when they come again", () => {
    i18n.global.setLocaleMessage("en", en);
    announce("chat.you");
    const first = polite.value;
    announce("chat.you");
    expect(polite.value).not.toBe(first);
    expect(polite.value.trim()).toBe(first);
  });
});

describe("a note of the system", () => {
  it("that the browser refuses to make is none, and disturbs nothing", () => {
    const Refusing = Object.assign(
      class {
        constructor() {
          throw new TypeError("Illegal constructor");
        }
      },
      { permission: "granted" },
    );
    vi.stubGlobal("window", { Notification: Refusing });
    vi.stubGlobal("Notification", Refusing);
    vi.stubGlobal("document", { hasFocus: () => false });
    expect(() => notify("Boris", {}, () => undefined)()).not.toThrow();
    vi.unstubAllGlobals();
  });
});
