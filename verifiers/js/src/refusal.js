/**
 * What is wrong with the input. Every rule that doesn't hold throws one; any other exception is a
 * fault of this program, and is never taken for a verdict.
 */
export class Refusal extends Error {
  constructor(reason) {
    super(reason);
    this.name = 'Refusal';
  }
}

/** A value of the state that an element asks for isn't in the file. */
export class MissingValue extends Refusal {}

/** Throws a `Refusal` unless the condition holds. */
export function demand(condition, reason) {
  if (!condition) throw new Refusal(typeof reason === 'function' ? reason() : reason);
}
