/** Numbers as people type them and as they are dialled. */

/** Without what people write between the digits: "+7 (495) 123-45-67" is +74951234567. */
export const normalised = (text: string): string => text.trim().replace(/[\s()./-]/g, "");

export const isDialable = (number: string): boolean => /^\+?[0-9*#]{1,32}$/.test(number);

/** Whether something that was typed means a number rather than a name. */
export const looksDialled = (text: string): boolean => isDialable(normalised(text));
