// Builds dist/, the files that `npm publish` ships and that are copied into a mini program.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { minify } from 'terser'

const root = fileURLToPath(new URL('.', import.meta.url))

// Property names that are shortened, because no caller uses them. A name that is also used by wx or the public interface must not be here.
const internalProperties = ['handle', 'aborted', 'attach', 'flush', 'headerSeen', 'renewIfDue', 'isFromLogin', 'replaceToken', 'dropToken',
  'checkToken', 'currentToken', 'logIn', 'logouts', 'dial', 'load', 'save', 'drop']

/** The exports of each module in dist/: the public name, its source file and its name there. */
const modules = {
  index: { createGateway: ['gateway', 'newGateway'], installCloudRun: ['cloudrun', 'replaceContainer'] },
  proof: { newProof: ['proof', 'newProof'] },
}

/** The built files by name, as text. */
export async function built() {
  const files = { ...declarations(...Object.keys(modules), 'types') }
  for (const [name, exported] of Object.entries(modules)) {
    files[name + '.js'] = await bundle('cjs', commonEntry(exported))
    files[name + '.mjs'] = await bundle('esm', entry(exported))
  }
  files['proof.LICENSE.txt'] = readFileSync(join(root, 'node_modules', '@noble', 'hashes', 'LICENSE'), 'utf8')
  return files
}

function entry(exported) {
  return Object.entries(exported).map(([name, [file, own]]) => `export { ${own} as ${name} } from './src/${file}'`).join('\n')
}

/** Plain assignments: esbuild's own CommonJS exports cost half a kilobyte of helpers. */
function commonEntry(exported) {
  const lines = Object.entries(exported).map(([name, [file, own]]) => `import { ${own} } from './src/${file}'\nexports.${name} = ${own}`)
  return lines.join('\n')
}

/** Minifies once more with terser, which saves 3 % after esbuild. */
async function shorten(text, format) {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const preamble = `/*! ${name} ${version} */`
  const options = { ecma: 2017, module: format === 'esm', toplevel: true, compress: { passes: 3 }, format: { preamble } }
  return (await minify(text, options)).code + '\n'
}

async function bundle(format, contents) {
  const result = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    mangleProps: new RegExp(`^(${internalProperties.join('|')})$`),
    target: 'es2017',
    charset: 'utf8',
    format,
    write: false,
  })
  return shorten(result.outputFiles[0].text, format)
}

/** The declarations of these files of src/, by the names of the built files. */
function declarations(...names) {
  const out = mkdtempSync(join(tmpdir(), 'wxgate-types-'))
  try {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', '.', '--outDir', out]
    execFileSync(process.execPath, [tsc, '-p', root, ...flags], { stdio: ['ignore', 'inherit', 'inherit'] })
    return Object.fromEntries(names.map(name => [name + '.d.ts', readFileSync(join(out, 'src', name + '.d.ts'), 'utf8')]))
  } finally {
    rmSync(out, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of Object.entries(await built())) {
    writeFileSync(join(root, 'dist', file), text)
    console.log(file, Buffer.byteLength(text), 'bytes')
  }
}
