// Query and path values arrive as text. Those whose schema asks for a number or a boolean are turned into one; a text
// that is not one stays as it is, so that the schema check refuses it. Bodies are never coerced.

import type { App } from '../app.ts';

type Properties = Readonly<Record<string, { readonly type?: unknown } | undefined>>;

const NUMBER = /^-?\d{1,16}(\.\d{1,16})?$/;
const booleans: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

/** Changes the values in place. */
export function coerceTexts(schema: unknown, values: unknown): void {
  const properties = (schema as { properties?: Properties } | undefined)?.properties;
  if (!properties || typeof values !== 'object' || values === null) return;
  const record = values as Record<string, unknown>;
  for (const [name, property] of Object.entries(properties)) {
    const text = record[name];
    if (typeof text !== 'string') continue;
    if ((property?.type === 'integer' || property?.type === 'number') && NUMBER.test(text)) record[name] = Number(text);
    else if (property?.type === 'boolean' && Object.hasOwn(booleans, text)) record[name] = booleans[text];
  }
}

/** Installs it for all routes. */
export function installCoercion(app: App): void {
  app.addHook('preValidation', async (request) => {
    const { schema } = request.routeOptions;
    coerceTexts(schema?.querystring, request.query);
    coerceTexts(schema?.params, request.params);
  });
}
