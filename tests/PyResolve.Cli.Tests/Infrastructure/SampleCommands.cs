namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>
/// For each command that does something, arguments with which it succeeds against the fake server, in every kind of terminal and pipe.
/// </summary>
internal static class SampleCommands
{
    private static readonly Dictionary<string, string> Arguments = new(StringComparer.Ordinal)
    {
        [""] = "--help",
        ["signup"] = "signup --email new@example.com --password-stdin --profile new --api-url {server}",
        ["login"] = "login --email ada@example.com --password-stdin",
        ["logout"] = "logout",
        ["status"] = "status --explain",
        ["upgrade"] = "upgrade pydantic --target 2.0",
        ["usage"] = "usage",
        ["keys list"] = "keys list --password-stdin",
        ["keys create"] = "keys create --name ci --password-stdin",
        ["keys rotate"] = "keys rotate {key} --password-stdin",
        ["keys revoke"] = "keys revoke {key} --password-stdin",
        ["holds list"] = "holds list",
        ["holds release"] = "holds release --all --yes",
        ["plan"] = "plan",
        ["plan upgrade"] = "plan upgrade",
        ["plan portal"] = "plan portal",
        ["prepay take"] = "prepay take 3",
        ["prepay show"] = "prepay show",
        ["prepay return"] = "prepay return",
        ["sync"] = "sync",
        ["profiles list"] = "profiles list",
        ["profiles use"] = "profiles use work",
        ["profiles remove"] = "profiles remove work --yes",
        ["config path"] = "config path",
        ["config get"] = "config get api_url",
        ["config set"] = "config set migrators.numpy tool",
        ["doctor"] = "doctor",
        ["completion"] = "completion bash",
        ["help"] = "help upgrade",
    };

    public static IReadOnlyCollection<string> Names => Arguments.Keys;

    public static string ArgumentsOf(string command, FakePyResolveServer server) => Arguments[command]
        .Replace("{server}", server.Address, StringComparison.Ordinal)
        .Replace("{key}", server.Account.ApiKeys[^1].Id.ToString(), StringComparison.Ordinal);

    /// <summary>Whether it reads a password, without which it cannot do its work.</summary>
    public static bool ReadsInput(string command) => Arguments[command].Contains("--password-stdin", StringComparison.Ordinal);
}
