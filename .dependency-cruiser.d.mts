import type { IForbiddenRuleType } from 'dependency-cruiser';
export const FLOORS: Readonly<Record<string, readonly string[]>>;
export const ROOMS: Readonly<Record<string, readonly string[]>>;
declare const rules: {
  forbidden: IForbiddenRuleType[];
  options: {
    doNotFollow: { path: string };
    tsConfig: { fileName: string };
    tsPreCompilationDeps: boolean;
    enhancedResolveOptions: { extensions: string[] };
  };
};
export default rules;
