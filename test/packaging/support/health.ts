import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../support/docs.ts';

/** What a health script answers, or why Argo CD would refuse every sync. */
export type Health = { status: string; message: string } | { error: string };

const built = path.join(root, 'build/tools/lua5.1');
const lua = existsSync(built) ? built : 'lua5.1';

/** Bytes that stand for themselves in a Lua string; all others are escaped. */
const quoted = (text: string) =>
  `"${[...Buffer.from(text)].map((byte) => (/[\w .:,/-]/.test(String.fromCharCode(byte)) && byte < 128 ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`)).join('')}"`;

/** JSON as Argo CD hands it to Lua: null is nil. */
function literal(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `{${value.map(literal).join(',')}}`;
  if (value === null || value === undefined) return 'nil';
  return `{${Object.entries(value)
    .map(([name, field]) => `[${quoted(name)}]=${literal(field)}`)
    .join(',')}}`;
}

/** All that Argo CD gives a script: no string, math, os, io or debug, not even by the methods of a string; a second of time. */
const driver = (script: string, objects: string[]) => `
local format, byte, hook, print = string.format, string.byte, debug.sethook, print
local escape = string.gsub
debug.setmetatable("", nil)
local names = { "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawset", "select", "setmetatable",
  "getmetatable", "table", "tonumber", "tostring", "type", "unpack" }
local function json(text)
  return '"' .. escape(text, '[%c"\\\\]', function(c) return format("\\\\u%04x", byte(c)) end) .. '"'
end
local function judge(make)
  local script = assert(loadstring(${quoted(script)}, "health.lua"))
  local env = { obj = make() }
  for _, name in ipairs(names) do env[name] = _G[name] end
  setfenv(script, env)
  hook(function() error("it takes too long") end, "", 1000000)
  local ok, answer = pcall(script)
  hook()
  if not ok then return '{"error":' .. json(tostring(answer)) .. '}' end
  if type(answer) ~= "table" or type(answer.status) ~= "string" or type(answer.message) ~= "string" then
    return '{"error":"no status and message"}'
  end
  return '{"status":' .. json(answer.status) .. ',"message":' .. json(answer.message) .. '}'
end
${objects.map((object) => `print(judge(function() return ${object} end))`).join('\n')}
`;

/** What the script makes of each object. */
export async function healthOf(script: string, objects: readonly unknown[]): Promise<Health[]> {
  const child = spawn(lua, ['-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (data: string) => (stdout += data));
  child.stderr.setEncoding('utf8').on('data', (data: string) => (stderr += data));
  child.stdin.end(driver(script, objects.map(literal)));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${lua}: ${stderr}`);
  const answers = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Health);
  if (answers.length !== objects.length) throw new Error(`${answers.length} answers about ${objects.length} objects`);
  return answers;
}
