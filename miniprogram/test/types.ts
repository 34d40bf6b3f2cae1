// Calls as users of the package write them, for the type checker only: all must compile, except the marked lines.
import { createGateway, installCloudRun, type GatewayError } from '../src/index'
import { newProof } from '../src/proof'

export async function usage(): Promise<void> {
  const gateway = createGateway({
    baseURL: 'https://api.example.com',
    onNewUser: response => console.log(response.is_new_user),
  })
  const { request, uploadFile, downloadFile, connectSocket, login, logout, ensureSession, bindPhone, setProfile, webviewURL } = gateway
  const { data } = await request<{ id: number }>('/api/x')
  console.log(data.id)
  request({ url: '/api/x', method: 'PATCH', success: result => console.log(result.statusCode) }).abort()
  // @ts-expect-error wx has no such method
  request({ url: '/api/x', method: 'MOVE' })
  request({ url: '/api/x', enableChunked: true }).onChunkReceived(chunk => console.log(chunk.data))
  uploadFile({ url: '/api/file', filePath: 'a', name: 'file' }).onProgressUpdate(({ progress }) => console.log(progress))
  console.log((await downloadFile({ url: '/api/file' })).tempFilePath)
  connectSocket({ url: '/ws' }).onMessage(({ data }) => console.log(data))
  ;(await connectSocket({ url: '/ws' })).send({ data: 'hello' })
  await login({ phoneCode: 'c' }).catch((error: GatewayError) => console.log(error.code))
  await logout({ all: true })
  console.log((await ensureSession({ sessionKey: true })).user.nickname)
  await bindPhone({ code: 'c' })
  await setProfile({ nickname: 'n', avatarUrl: 'a' })
  await logout({ resetKey: true })
  const src: string = await webviewURL('/h5/orders')
  console.log(src)
  // @ts-expect-error the option is baseURL
  createGateway({ baseUrl: 'https://api.example.com' })
  // @ts-expect-error signed data comes with its signature
  await setProfile({ rawData: '{}' })
  installCloudRun(wx, createGateway({ baseURL: 'https://api.example.com', platform: wx }))
  createGateway({ baseURL: 'https://api.example.com', proof: newProof({ paths: ['/pay/'], platform: wx }) })
}
