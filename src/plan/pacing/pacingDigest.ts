/** The first 64 bits of bpf/pacing.o's SHA-256. Made by `npm run generate`. */
export const PACING_DIGEST = '44551b77271d5d11';
