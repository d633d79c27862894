declare const __VERSION__: string | undefined;

/** The package's version; set by the build, `dev` when run from source. */
export const VERSION: string = typeof __VERSION__ === 'undefined' ? 'dev' : __VERSION__;
