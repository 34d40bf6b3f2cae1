// Builds the mini programs of examples/ with their public tools, and runs the native one, as built, with `wxgate dev`.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createContext, Script } from 'node:vm'
import ci from 'miniprogram-ci'
import { buildWxgate } from '../../miniprogram/test/support/wxgate.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** Does what "Build npm" of the developer tools does, in a copy of the example in the folder. */
async function buildNative(folder) {
  cpSync(join(root, 'examples/miniprogram'), folder, { recursive: true, filter: path => !/node_modules|miniprogram_npm/.test(path) })
  await run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--install-links=false', join(root, 'miniprogram')], { cwd: folder })
  const { miniProgramPackNum, warnList } = await ci.packNpmManually({ packageJsonPath: join(folder, 'package.json'), miniprogramNpmDistDir: folder })
  assert.deepEqual([miniProgramPackNum, warnList], [1, []])
}

/** Starts the mini program as WeChat does: app.js, then its first page. Returns the page. */
function open(folder, wx, baseURL) {
  const registered = {}
  const context = createContext({
    wx, setTimeout, console,
    App: app => (registered.app = app),
    getApp: () => registered.app,
    Page: page => (registered.page = Object.assign(page, { setData: change => Object.assign(page.data, change) })),
  })
  const load = path => {
    const module = { exports: {} }
    const code = readFileSync(path, 'utf8').replace('http://127.0.0.1:8080', baseURL)
    const requireHere = name => load(name.startsWith('.') ? join(dirname(path), name) : join(folder, 'miniprogram_npm', name, 'index.js'))
    new Script(`(function (module, exports, require) {${code}\n})`, { filename: path }).runInContext(context)(module, module.exports, requireHere)
    return module.exports
  }
  const [page] = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8')).pages
  for (const part of ['.js', '.json', '.wxml']) assert.ok(existsSync(join(folder, page + part)), page + part)
  load(join(folder, 'app.js'))
  load(join(folder, page + '.js'))
  return registered.page
}

/** Taps on everything that a user can tap on. */
async function useNative(folder, gateway) {
  const user = 'alice'
  const page = open(folder, gateway.phone(user), gateway.url)
  const until = async condition => {
    for (let left = 100; !condition(); left--) {
      assert.ok(left > 0, page.data.output)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  await page.onShow()
  assert.equal(page.data.ready, true)
  await page.onWho()
  const { openid } = (await gateway.sim('users')).find(each => each.user === user)
  assert.match(page.data.output, new RegExp(openid))
  await page.onPhone({ detail: { code: (await gateway.sim('phone-code', { user })).code } })
  assert.match(page.data.output, /"phone_number"/)
  await page.onPhone({ detail: { errMsg: 'getPhoneNumber:fail user deny', errno: 1400001 } })
  assert.equal(page.data.output, 'getPhoneNumber:fail user deny')
  const picture = join(folder, 'avatar.png')
  writeFileSync(picture, 'picture')
  await page.onChooseAvatar({ detail: { avatarUrl: picture } })
  assert.match(page.data.output, /POST/)
  page.onToggleSocket()
  await until(() => /hello/.test(page.data.output))
  page.onToggleSocket()
  await until(() => !page.data.open)
  await page.onLogout()
  assert.equal(page.data.output, 'logged out')
}

/** Builds the uni-app example and checks the result. */
async function buildUniApp() {
  const folder = join(root, 'examples/miniprogram-uniapp')
  await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder })
  await run('npm', ['run', 'build'], { cwd: folder, maxBuffer: 1 << 24 })
  const read = name => readFileSync(join(folder, 'dist/build/mp-weixin', name), 'utf8')
  assert.deepEqual(JSON.parse(read('app.json')).pages, ['pages/index/index'])
  for (const tap of ['chooseAvatar', 'getPhoneNumber']) assert.match(read('pages/index/index.wxml'), new RegExp(tap))
  assert.match(read('common/vendor.js'), /wxgate: bad baseURL/)
}

const folder = mkdtempSync(join(tmpdir(), 'wxgate-miniprogram-'))
const wxgate = await buildWxgate()
try {
  await buildNative(folder)
  await useNative(folder, await wxgate.dev())
  console.log('examples/miniprogram: packed by miniprogram-ci, and every button does what it should')
  await buildUniApp()
  console.log('examples/miniprogram-uniapp: built by uni-app for mp-weixin')
} finally {
  await wxgate.close()
  rmSync(folder, { recursive: true })
}
