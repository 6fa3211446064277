// What a person does at examples/installed.

// visit opens the page in a browser of its own, and collects what it complains of.
export async function visit(browser, url, options) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const complaints = []
  page.on('console', (message) => /Content.Security|violat/i.test(message.text()) && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(url)
  return {context, page, complaints, extension: page.frameLocator('#extension')}
}

export const begin = (page) => page.getByRole('link', {name: 'Install the app'}).click()
export const decide = (page, name) => page.getByRole('button', {name, exact: true}).click()

export async function install({page}) {
  await begin(page)
  await decide(page, 'Install')
  await page.locator('#install.done').waitFor()
}

// askForBalance presses the button in the extension, and waits for the page to have what
// came of it.
export async function askForBalance({page, extension}, state) {
  await extension.getByRole('button').click()
  await extension.locator(`.result.${state}`).waitFor()
  await page.locator(`#request-wire .verdict.${state}`).waitFor()
  return extension.locator('#result').innerText()
}

export async function uninstall({page}) {
  await page.getByRole('button', {name: 'Uninstall the app'}).click()
  await page.locator('#uninstall.done').waitFor()
}
