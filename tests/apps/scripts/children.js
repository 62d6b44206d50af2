// Children by spawn, exec, execSync, fork.
const { execSync, exec, spawn, fork } = require("child_process");
if (process.argv[2] === "child") {
  process.on("message", (number) => process.send(number * number));
} else {
  console.log(execSync("echo sync").toString().trim());
  exec("exit 3", (error) => {
    console.log("exec ended with", error.code);
    const cat = spawn("cat");
    cat.stdout.on("data", (data) => console.log("cat says", data.toString()));
    cat.on("close", (code) => {
      console.log("cat ended with", code);
      const child = fork(__filename, ["child"]);
      child.on("message", (square) => {
        console.log("square", square);
        child.disconnect();
      });
      child.on("exit", (code) => {
        console.log("child ended with", code);
        process.exitCode = 6;
      });
      child.send(12);
    });
    cat.stdin.end("meow");
  });
}
