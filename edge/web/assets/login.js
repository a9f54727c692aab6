const token = document.getElementById("token");
const said = document.getElementById("said");

async function enter() {
  said.textContent = "";
  const answer = await fetch("/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token: token.value.trim() }),
  });
  if (answer.ok) return location.reload();
  const again = answer.headers.get("Retry-After");
  said.textContent = again ? `Too many wrong tokens from here: wait ${again} s.` : "This is not the token.";
  token.select();
}

document.getElementById("enter").addEventListener("click", enter);
token.addEventListener("keydown", (event) => event.key === "Enter" && enter());
