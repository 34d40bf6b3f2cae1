import type { Proof, ProofOptions } from './types';
/**
 * Signs calls with the key that WeChat gives the user, which a stolen token doesn't include; for routes with
 * `proof: sign`: `createGateway({ baseURL, proof: newProof() })`.
 *
 * Where WeChat gives no key (base library before 2.17.3), a call goes without a proof, and the gateway decides.
 */
export declare function newProof(options?: ProofOptions): Proof;
