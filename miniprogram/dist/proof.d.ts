import type { Proof, ProofOptions } from './types';
/**
 * Signs calls with the user's key from WeChat, which a stolen token doesn't include; for routes with
 * `proof: sign`: `createGateway({ baseURL, proof: newProof() })`.
 *
 * If WeChat provides no key (base library before 2.17.3), a call is sent without a proof, and the gateway decides.
 */
export declare function newProof(options?: ProofOptions): Proof;
