export interface GatewayOptions {
    /** Where wxgate is, such as https://api.example.com, with a path if it has one; no query. http:// is for localhost and IP addresses. */
    baseURL: string;
    /** Needed only where a gateway serves several mini programs and can't tell them by the Referer of WeChat. */
    appid?: string;
    /** The gateway's auth_prefix. Default: /auth. */
    auth?: string;
    /** Where the token is kept. Default: the platform's own storage. */
    storage?: Storage;
    /** Called after the first login of a user whom the gateway had not known. */
    onNewUser?: (answer: LoginAnswer) => void;
    /** `uni` or `Taro` where the code runs on these. Default: wx. */
    platform?: Platform;
    /** Signs every call with the user's key of WeChat: what newProof of wxgate-miniprogram/proof returns. */
    proof?: Proof;
}
/** The part of `wx` that this package stands on. `uni` and `Taro` have the same shape. */
export interface Platform extends Storage {
    request(options: any): any;
    uploadFile(options: any): any;
    downloadFile(options: any): any;
    connectSocket(options: any): any;
    login(options: any): any;
}
/** Signs calls, for routes that take no others. Made by newProof of wxgate-miniprogram/proof. */
export interface Proof {
    /** The options of a call with its proof; the options as they are where WeChat gives no key. */
    sign(api: string, options: any): Promise<any>;
    /**
     * Learns from the answer to a call that was sent: `code` is the gateway's error code, and none for a handshake that
     * failed, whose answer is that to another call. Resolves with whether the call should be signed anew and sent again.
     */
    learn(sent: any, result: any, code?: string): Promise<boolean>;
}
export interface ProofOptions {
    /** Only calls whose path begins with one of these are signed, such as ['/api/pay/']. Default: all. */
    paths?: string[];
    /** Where the keys come from. Default: wx, on uni-app and Taro too. */
    platform?: CryptoPlatform;
}
/** The part of `wx` that proofs stand on: base library 2.17.3 or later. */
export interface CryptoPlatform {
    getUserCryptoManager(): any;
    getRandomValues(options: any): any;
}
export interface Storage {
    getStorageSync(key: string): any;
    setStorageSync(key: string, value: any): void;
    removeStorageSync(key: string): void;
}
/** The methods may be taken off and passed on: none of them needs `this`. */
export interface Gateway {
    /** As wx.request; also with the URL alone. Method PATCH is sent as POST with X-HTTP-Method-Override. */
    request<T extends Data = Data>(options: RequestOptions<T>): Call<WechatMiniprogram.RequestSuccessCallbackResult<T>, WechatMiniprogram.RequestTask>;
    request<T extends Data = Data>(url: string, options?: Partial<RequestOptions<T>>): Call<WechatMiniprogram.RequestSuccessCallbackResult<T>, WechatMiniprogram.RequestTask>;
    /** As wx.uploadFile. */
    uploadFile(options: WechatMiniprogram.UploadFileOption): Call<WechatMiniprogram.UploadFileSuccessCallbackResult, WechatMiniprogram.UploadTask>;
    /** As wx.downloadFile. */
    downloadFile(options: WechatMiniprogram.DownloadFileOption): Call<WechatMiniprogram.DownloadFileSuccessCallbackResult, WechatMiniprogram.DownloadTask>;
    /** As wx.connectSocket; an http baseURL is ws here, an https one wss. A login that fails is told to onError too. */
    connectSocket(options: WechatMiniprogram.ConnectSocketOption): Call<WechatMiniprogram.SocketTask, WechatMiniprogram.SocketTask>;
    /** Logs in even where a login holds, for a new session or to hand in a phone code with it. Calls log in by themselves. */
    login(options?: {
        phoneCode?: string;
        prefetched?: LoginAnswer;
    } & Callbacks<LoginAnswer>): Promise<LoginAnswer>;
    /**
     * Ends this session, or with `all` every session of the user. The next call logs in again; calls that were made before
     * do not, and end with the gateway's 401. With `resetKey` WeChat makes the user's session_key invalid too.
     */
    logout(options?: {
        all?: boolean;
        resetKey?: boolean;
    } & Callbacks<void>): Promise<void>;
    /**
     * Asks the gateway whether the login holds, and logs in if not. To be called before a phone number button is shown, since
     * the user's tap costs money even when the login had ended. With `sessionKey` WeChat's key is made sure of as well, for
     * buttons that give encryptedData.
     */
    ensureSession(options?: {
        sessionKey?: boolean;
    } & Callbacks<SessionInfo>): Promise<SessionInfo>;
    /**
     * Takes the event detail of a phone number button: code, or encryptedData and iv. Without either, as when the user has
     * refused, it fails with the detail's errMsg and errno, and nothing is sent. On session_key_stale: ask for another tap.
     */
    bindPhone(detail: {
        code?: string;
        encryptedData?: string;
        iv?: string;
        errMsg?: string;
        errno?: number;
    } & Callbacks<PhoneNumber>): Promise<PhoneNumber>;
    /** Stores nickname and avatar, or what wx.getUserProfile signed. */
    setProfile(profile: (ProfileInput | SignedProfile) & Callbacks<Profile>): Promise<Profile>;
    /** The address for a <web-view> in which the user is logged in at once, for a page of a route that takes cookies. Good for 60 s. */
    webviewURL(page: string): Promise<string>;
}
/** A promise that is the task of the call too, from the start, even while the login comes first. */
export type Call<Result, Task> = Promise<Result> & Task;
export type Data = string | WechatMiniprogram.IAnyObject | ArrayBuffer;
export type RequestOptions<T extends Data = Data> = Omit<WechatMiniprogram.RequestOption<T>, 'method'> & {
    method?: WechatMiniprogram.RequestOption['method'] | 'PATCH';
};
/** The callbacks of every `wx` call. The promise resolves beside them. */
export interface Callbacks<T> {
    success?: (result: T) => void;
    fail?: (error: any) => void;
    complete?: (outcome: any) => void;
}
/** What the gateway answered to a login; times in seconds. */
export interface LoginAnswer {
    token: string;
    token_type: 'Bearer';
    expires_in: number;
    session_expires_in: number;
    is_new_user: boolean;
    phone?: PhoneNumber;
}
export interface SessionInfo {
    appid: string;
    expires_in: number;
    session_expires_in: number;
    user: Profile & {
        user_id?: string;
        phone?: string;
    };
}
export interface PhoneNumber {
    phone_number: string;
    pure_phone_number: string;
    country_code: string;
}
export interface Profile {
    nickname?: string;
    avatar_url?: string;
}
export interface ProfileInput {
    nickname?: string;
    avatarUrl?: string;
    /** As avatarUrl, under the name that a Profile has it by. */
    avatar_url?: string;
}
/** The result of wx.getUserProfile. */
export interface SignedProfile {
    rawData: string;
    signature: string;
    encryptedData?: string;
    iv?: string;
}
/** Why login, logout, ensureSession, bindPhone, setProfile or webviewURL failed where the gateway did answer. */
export interface GatewayError extends Error {
    /** In the manner of wx: `login:fail user_blocked …`. */
    errMsg: string;
    /** The gateway's error code, or `http_502` and the like where something before it answered. */
    code: string;
    statusCode: number;
    requestId?: string;
    /** Milliseconds to wait before asking again, if the gateway said so. */
    retryAfter?: number;
}
export interface CloudRunOptions {
    /** Where each service of X-WX-SERVICE now is: a path prefix, such as {orders: '/orders'}. */
    services?: Record<string, string>;
}
