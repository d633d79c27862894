export function wrongWithDemo(output: string): string | undefined;
export function countsOf(output: string): { passed: number; failed: number } | undefined;
