import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { parseErrorBody } from '../../src/remote/error-body.ts';
import { cleanText } from '../../src/remote/text.ts';

const json = 'application/json';

describe("the API's own error bodies", () => {
  test.each([
    [
      'Dedicated Hypervisor (seed 000)',
      '{"badRequest":{"code":400,"message":"Request Parameter Error:\\\\n"}}',
      'Request Parameter Error:',
    ],
    ['Keystone', '{"error":{"code":401,"message":"Wrong password.\\n","title":"Unauthorized"}}', 'Wrong password.'],
    ['API gateway', '{"fault":{"faultstring":"Invalid token"}}', 'Invalid token'],
    ['IAM', '{"errorMessage":"not permitted"}', 'not permitted'],
    ['plain message', '{"message":"no server"}', 'no server'],
    [
      'Ironic, JSON text',
      '{"error_message":"{\\"faultcode\\":\\"Client\\",\\"faultstring\\":\\"Node is locked\\",\\"debuginfo\\":null}"}',
      'Node is locked',
    ],
    ['Ironic, object', '{"error_message":{"faultstring":"Node is locked"}}', 'Node is locked'],
    [
      'Ironic, route',
      '{"error_message":"{\\"code\\":404,\\"title\\":\\"Not Found\\",\\"description\\":\\"no such page\\"}"}',
      'no such page',
    ],
    [
      'Ironic, route without words',
      '{"error_message":"{\\"code\\":404,\\"title\\":\\"Not Found\\",\\"description\\":\\"\\"}"}',
      'Not Found',
    ],
    [
      'Ironic, object of the second form',
      '{"error_message":{"code":406,"title":"t","description":"no 2.0"}}',
      'no 2.0',
    ],
    ['Ironic, text', '{"error_message":"broken"}', 'broken'],
    [
      'Ironic, HTML inside',
      '{"error_message":"<html>\\n <head>\\n  <title>406 Not Acceptable</title>\\n </head>\\n <body>\\n  <h1>406 Not Acceptable</h1>\\n  The resource could not be generated.<br /><br />\\n\\n\\n </body>\\n</html>"}',
      '406 Not Acceptable The resource could not be generated.',
    ],
    [
      'Ironic without a token',
      '{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}',
      'The request you have made requires authentication.',
    ],
    [
      'Ironic without its Keystone',
      '{"message":"The server is currently unavailable.<br /><br />\\nThe Keystone service is temporarily unavailable.\\n\\n","code":"503 Service Unavailable","title":"Service Unavailable"}',
      'The server is currently unavailable. The Keystone service is temporarily unavailable.',
    ],
    ['Nova, conflict', '{"conflictingRequest":{"code":409,"message":"exists"}}', 'exists'],
    ['Nova, not found', '{"itemNotFound":{"code":404,"message":"no such"}}', 'no such'],
    ['Nova, fault', '{"computeFault":{"code":406,"message":"version"}}', 'version'],
    ['CloudOS, numeric code', '{"code":404,"msg":"no node","data":null,"total":0}', 'no node'],
    ['CloudOS, numeric code without words', '{"code":404,"msg":"","data":null,"total":0}', 'code 404'],
    ['CloudOS, msg null', '{"code":"E1","msg":null,"data":null,"total":0}', 'E1'],
    [
      'angle brackets that are no HTML',
      '{"message":"got <class \'str\'>, not <unset>"}',
      "got <class 'str'>, not <unset>",
    ],
    ['CloudOS', '{"code":"E1","msg":"quota used up","data":null,"total":0}', 'quota used up'],
    ['CloudOS without words', '{"code":" ","msg":"","data":null,"total":0}', ''],
    ['CloudOS, hostile code', '{"code":{"toString":1},"msg":""}', ''],
    ['error as text', '{"error":"invalid_request"}', 'invalid_request'],
  ])('%s', (_name, body, message) => {
    expect(parseErrorBody(json, body)).toEqual({ own: true, message });
  });

  test.each([
    ['HTML of a proxy', 'text/html', '<html><title>502</title></html>', 'an HTML page'],
    ['HTML under a wrong type', json, '\n<!DOCTYPE html>', 'an HTML page'],
    ['an empty body', json, '', ''],
    ['white space', json, ' \n', ''],
    ['text', 'text/plain', 'default backend - 404', 'default backend - 404'],
    ['JSON of another kind', json, '{}', 'JSON of another form'],
    ['a JSON list', json, '[{"message":"x"}]', 'JSON of another form'],
    ['cut JSON', json, '{"badRequest":{"code":400,"mess', 'JSON of another form'],
  ])("%s is nobody's own", (_name, type, body, message) => {
    expect(parseErrorBody(type, body)).toEqual({ own: false, message });
  });

  test('a value of the request that the API quotes does not come back, however it is escaped', () => {
    const secret = new Secret('p"ss\\w');
    const quoted = {
      badRequest: { message: `adminPass p"ss\\w of ${JSON.stringify({ adminPass: 'p"ss\\w' })} is weak` },
    };
    const { message } = parseErrorBody(json, JSON.stringify(quoted), [secret]);
    expect(message).toBe('adminPass [redacted] of {"adminPass":"[redacted]"} is weak');
  });

  test('a value that the API quotes among HTML does not come back either', () => {
    const secret = new Secret('a<b>c');
    const body = JSON.stringify({ error_message: '<p>password a<b>c is weak</p>' });
    expect(parseErrorBody(json, body, [secret]).message).toBe('password [redacted] is weak');
  });

  test('a message is one line of at most 500 characters without control or direction characters', () => {
    const message = `\u001b[31mred\r\nFAKE LOG LINE\u202e ${'x'.repeat(2000)}`;
    const parsed = parseErrorBody(json, JSON.stringify({ message })).message;
    expect(parsed).toHaveLength(500);
    expect(parsed.startsWith('[31mred FAKE LOG LINE xxx')).toBe(true);
  });

  test('nothing makes it throw, and its message is always clean', () => {
    const body = fc.oneof(
      fc.string(),
      fc.json({ maxDepth: 6 }),
      fc.record({ error_message: fc.json() }).map((value) => JSON.stringify(value)),
      fc.integer({ min: 1, max: 200_000 }).map((length) => JSON.stringify({ message: '<head <p '.repeat(length) })),
      fc
        .dictionary(
          fc.constantFrom('error', 'fault', 'msg', 'code', 'message', '__proto__', 'toString'),
          fc.jsonValue(),
        )
        .map((value) => JSON.stringify(value)),
      fc.integer({ min: 1, max: 200_000 }).map((depth) => '['.repeat(depth)),
      fc.integer({ min: 1, max: 20_000 }).map((depth) => `${'{"message":'.repeat(depth)}1${'}'.repeat(depth)}`),
    );
    fc.assert(
      fc.property(fc.string(), body, (type, text) => {
        const { message } = parseErrorBody(type, text);
        expect(message.length).toBeLessThanOrEqual(500);
        expect(message).not.toMatch(/[\p{Cc}\p{Cf}]|\\n$|\s$/u);
        expect(message.isWellFormed()).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('cutting never halves a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (text, length) => {
        expect(cleanText(text, length).isWellFormed()).toBe(true);
        expect(cleanText(text, length).length).toBeLessThanOrEqual(length);
      }),
    );
  });
});
