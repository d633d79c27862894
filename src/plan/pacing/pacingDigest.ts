/** The first 64 bits of bpf/pacing.o's SHA-256. Made by `npm run generate`. */
export const PACING_DIGEST = '5c7c42bfeedb8fb4';
