/** The parts of the `ping` package that are used and that its types leave out. */
declare module 'ping/lib/builder/factory.js' {
  interface Builder {
    getCommandArguments(host: string, config: object): string[];
  }
  const factory: { createBuilder(platform: 'linux'): Builder };
  export default factory;
}

declare module 'ping/lib/parser/factory.js' {
  interface Parser {
    eat(line: string): void;
    getResult(): { alive: boolean; time: unknown; numeric_host?: string };
  }
  const factory: { createParser(host: string, platform: 'linux', config: object): Parser };
  export default factory;
}
