export function digestOfInputs(): Promise<string>;
export function isBuilt(digest: string): Promise<boolean>;
export function forgetBuild(): Promise<void>;
export function rememberBuild(digest: string): Promise<void>;
