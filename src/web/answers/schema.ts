/** Parts of JSON Schema 2020-12, as OpenAPI 3.1 has it. Pure. */
export type Schema = Readonly<Record<string, unknown>>;

export const TEXT: Schema = { type: 'string' };
export const NUMBER: Schema = { type: 'number' };
export const INTEGER: Schema = { type: 'integer', minimum: 0 };

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const array = (items: Schema): Schema => ({ type: 'array', items });
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

/** Members behind `optional` may be missing. What is not named is not there: later versions name it. */
export function object(
  required: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  };
}

/** Lists of equal length, one for each member of a row. */
export const columns = (rows: Readonly<Record<string, Schema>>): Schema =>
  object(Object.fromEntries(Object.entries(rows).map(([name, schema]) => [name, array(schema)])));
