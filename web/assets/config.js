// What the pages are told. The auth API serves them with this as its own settings say; who hosts them elsewhere edits it.
export default {
  // Where the auth API is, with a slash at the end: "https://auth.example.org/". As it stands: where the pages are.
  api: new URL("..", import.meta.url).href,
  // Whether to offer an account to those who have none.
  signUp: true,
};
