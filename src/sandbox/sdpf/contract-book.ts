/**
 * The contracts of one tenant and the rules by which they move: seed 000, Manage vSphere Contracts. Everything turns
 * on the month; nothing here reads a clock.
 */
export interface Contract {
  year: 1 | 3;
  renewal: boolean;
  /** Cores that count this month; 0 before the contract has started. */
  cores: number;
  /** First and last month, both inclusive, `YYYY-MM`. */
  start: string;
  end: string;
  /** Cores ordered this month, that count from the next; withdrawn or changed only within this month. */
  pending: number | null;
}

interface Summary {
  contract_year: 1 | 3;
  cores: number;
}

export interface ContractBook {
  /** The month up to which the book has been carried. */
  month: string;
  contracts: Contract[];
  /** Months that are over. */
  histories: { month: string; summaries: Summary[] }[];
}

/** The rules refuse the order. */
export class ContractRefusal extends Error {}

export function openBook(month: string): ContractBook {
  return { month, contracts: [], histories: [] };
}

function addMonths(month: string, count: number): string {
  const [year, index] = month.split('-').map(Number);
  const total = (year ?? 0) * 12 + (index ?? 1) - 1 + count;
  return `${String(Math.floor(total / 12)).padStart(4, '0')}-${String((total % 12) + 1).padStart(2, '0')}`;
}

/** Carries the book forward month by month. A month that lies before the book's changes nothing. */
export function rollTo(book: ContractBook, month: string): void {
  while (book.month < month) {
    const summaries = summariesOf(book);
    if (summaries.length > 0) book.histories.push({ month: book.month, summaries });
    const next = addMonths(book.month, 1);
    book.contracts = book.contracts.flatMap((contract) => carry(book, contract, next));
    book.month = next;
  }
}

/** What each running term counts in the book's month. */
export function summariesOf(book: ContractBook): Summary[] {
  return book.contracts
    .filter((contract) => contract.start <= book.month)
    .map((contract) => ({ contract_year: contract.year, cores: contract.cores }));
}

export function coresNextMonth(book: ContractBook, contract: Contract): number {
  const lastsOn = contract.end > book.month || renewsItself(book, contract);
  return lastsOn ? contract.cores + (contract.pending ?? 0) : 0;
}

/**
 * Orders `cores` for a term: POST. The number is the whole of a contract that has not started (cases 1 and 3), and an
 * addition to one that runs (case 2); 0 withdraws what was ordered this month. Returns the contract that was changed,
 * or null where something was withdrawn.
 */
export function order(book: ContractBook, year: 1 | 3, cores: number): Contract | null {
  const running = runningContract(book, year);
  const coming = book.contracts.find((contract) => contract.year === year && contract.start > book.month);
  if (running && running.end > book.month) return orderAddition(running, cores);

  // Case 1, and case 3 where the last month of a contract is running.
  if (cores === 0) {
    if (!coming) throw new ContractRefusal('no contract to delete');
    if (running?.renewal) throw new ContractRefusal('contract_renewal must be false before the contract is deleted');
    book.contracts = book.contracts.filter((contract) => contract !== coming);
    return null;
  }
  if (coming) {
    coming.pending = cores;
    return coming;
  }
  if (running && !running.renewal) {
    throw new ContractRefusal('contract_renewal must be true before a new contract is created');
  }
  const start = addMonths(book.month, 1);
  // Renewal is off until it is asked for.
  const contract: Contract = {
    year,
    renewal: false,
    cores: 0,
    start,
    end: addMonths(start, 12 * year - 1),
    pending: cores,
  };
  book.contracts.push(contract);
  return contract;
}

/** Sets the renewal flag: PUT. It belongs to the running contract, or else to the one that is to start. */
export function setRenewal(book: ContractBook, year: 1 | 3, renewal: boolean): Contract {
  const contract = runningContract(book, year) ?? book.contracts.find((one) => one.year === year);
  if (!contract) throw new ContractRefusal(`no contract of contract_year ${year}`);
  contract.renewal = renewal;
  return contract;
}

/** Case 2: what is ordered now counts from next month, on top of what runs. */
function orderAddition(running: Contract, cores: number): Contract | null {
  if (cores > 0) {
    running.pending = cores;
    return running;
  }
  if (running.pending === null) throw new ContractRefusal('no commitment to delete');
  running.pending = null;
  return null;
}

function runningContract(book: ContractBook, year: 1 | 3): Contract | undefined {
  return book.contracts.find((contract) => contract.year === year && contract.start <= book.month);
}

function renewsItself(book: ContractBook, contract: Contract): boolean {
  const hasSuccessor = book.contracts.some((one) => one.year === contract.year && one.start > book.month);
  return contract.renewal && !hasSuccessor;
}

/** One contract over the turn of a month: what it becomes, or nothing. */
function carry(book: ContractBook, contract: Contract, next: string): Contract[] {
  const cores = contract.cores + (contract.pending ?? 0);
  if (contract.end > book.month) return [{ ...contract, cores, pending: null }];
  if (!renewsItself(book, contract)) return [];
  return [{ ...contract, cores, pending: null, start: next, end: addMonths(next, 12 * contract.year - 1) }];
}
