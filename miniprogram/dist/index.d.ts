import type { CloudRunOptions, Gateway, GatewayOptions } from './types';
export type * from './types';
/**
 * Builds the client of one wxgate. Cheap: every page may have its own, they share one login over one storage.
 *
 * Calls log in by themselves when they need to, share one login, renew its token, and are sent again once when the
 * gateway has ended the session. A URL without a scheme is under baseURL; one that leads elsewhere is called without token.
 */
export declare const createGateway: (options: GatewayOptions) => Gateway;
/**
 * Sends what wx.cloud.callContainer is asked for to `gateway` instead, for a mini program that leaves WeChat Cloud Run
 * without touching its calls. Instances of wx.cloud.Cloud made afterwards do the same. X-WX-* headers are left out.
 */
export declare const installCloudRun: (wx: object, gateway: Gateway, options?: CloudRunOptions) => void;
