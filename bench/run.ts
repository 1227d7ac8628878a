/**
 * `make bench`: measures the built operator on this machine, with a real API server and the sandbox in a process of its own.
 * Prints each result, stores it in bench/results, and writes the tables of docs/performance.md from what is stored.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { fileOf, store } from './results.ts';
import { type Figures, kindNames, type Parameters, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { writeTables } from './table.ts';

const standard: Parameters = {
  n: 100,
  kind: undefined,
  runs: 3,
  budget: 1000,
  minutes: 10,
  latency: 20,
  motion: '15s',
  poll: 60,
  door: 'plain',
};

async function run(scenario: Scenario, parameters: Parameters): Promise<void> {
  console.error(`${new Date().toISOString()} ${fileOf(scenario, parameters)} begins`);
  const runs: Figures[] = [];
  for await (const figures of scenario.measure(parameters)) runs.push(figures);
  const stored = store(scenario, parameters, runs);
  console.log(JSON.stringify({ ...stored, runs: runs.length }, undefined, 2));
  writeTables();
}

function number(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('write a number');
  return Number(text);
}

/** What make passes on for a variable that is not set. */
const given = (options: Partial<Parameters>) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<Parameters>;

await new Command('bench')
  .argument('[scenario]', `${scenarios.map(({ name }) => name).join(', ')}; without it all, with modest sizes`)
  .option('--n <count>', 'resources in all', number)
  .addOption(new Option('--kind <kind>', 'all of one kind, instead of a quarter of each').choices(kindNames))
  .option('--runs <count>', 'runs whose median counts', number)
  .option('--budget <calls>', 'calls a second of each tenant; 1000 is as good as none', number)
  .option('--minutes <minutes>', 'how long it is looked at rest', number)
  .option('--latency <ms>', 'of the answers of the remote', number)
  .option('--motion <duration>', "the operator's --motion-interval")
  .option('--poll <seconds>', 'pollInterval of the tenants', number)
  .addOption(new Option('--door <door>', 'where nodes are').choices(['plain', 'gateway']))
  .option('--tables', 'measure nothing: write the tables from what is stored')
  .action(async (name: string | undefined, { tables, ...options }: Partial<Parameters> & { tables?: true }) => {
    if (tables) return writeTables();
    const wanted = scenarios.filter((scenario) => (name ? scenario.name === name : !scenario.byHand));
    if (wanted.length === 0)
      throw new Error(`there is no scenario ${name}: ${scenarios.map((one) => one.name).join(', ')}`);
    for (const scenario of wanted) {
      const sizes = name ? [{}] : (scenario.sizes ?? [{}]);
      for (const size of sizes) await run(scenario, { ...standard, ...scenario.defaults, ...size, ...given(options) });
    }
  })
  .parseAsync();
