import type { CloudRunOptions, Gateway, GatewayOptions } from './types';
export type * from './types';
/**
 * Creates the client of one wxgate. It is cheap: every page may create its own; they share one login through the storage.
 *
 * Calls log in when needed, share one login, renew its token, and are sent again once if the session has ended. A URL
 * without a scheme is relative to baseURL; a URL of another server is called without token.
 */
export declare const createGateway: (options: GatewayOptions) => Gateway;
/**
 * Makes wx.cloud.callContainer send its calls to `gateway`, for a mini program that leaves WeChat Cloud Run
 * without changing its calls. Instances of wx.cloud.Cloud created later do the same. X-WX-* headers are removed.
 */
export declare const installCloudRun: (wx: object, gateway: Gateway, options?: CloudRunOptions) => void;
