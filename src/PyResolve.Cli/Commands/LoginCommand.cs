using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class LoginCommand
{
    public const string CommandName = "login";

    private const string KeyPrefix = "pyr_live_";
    private const string HowToPipe = "pyresolve login --with-key < file-with-the-key";
    private const string ClientId = "pyresolve command line";

    private static readonly Option<string?> Key =
        new("--key") { Description = "The API key. It stays in your shell's history; use --with-key to avoid that.", HelpName = "key" };

    private static readonly Option<bool> WithKey =
        new("--with-key") { Description = "Read an API key from standard input, or ask for one on a terminal." };

    private static readonly Option<string?> Email =
        new("--email") { Description = "Log in with an email address and its password.", HelpName = "address" };

    private static readonly Option<bool> NoBrowser =
        new("--no-browser") { Description = "Only print the page to open. For a machine without a desktop, or without a terminal." };

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Log in with a browser, and save an API key for this user.", "pyresolve login",
            "pyresolve login --email ada@example.com", "pyresolve login --with-key < key.txt",
            "pyresolve login --profile work --api-url https://billing.example")
        {
            WithKey, Email, Password.FromInput, PasswordSession.Code, NoBrowser, Key, LoginServer.ApiUrl, GlobalOptions.Json,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        CheckWays(parse);
        var profile = GlobalOptions.GetProfile(parse);
        var server = LoginServer.From(parse, profile);
        var isNew = parse.GetValue(Key) is null && !parse.GetValue(WithKey);
        var key = CheckForm(await GetKeyAsync(terminal, parse, server, cancellationToken), server);
        try
        {
            return await SavedLogin.SaveAsync(terminal, parse, profile, key, server, isNew, cancellationToken);
        }
        catch (PyResolveException e) when (e.Status == 401)
        {
            await using var client = server.CreateClient(key);
            var cause = $"{e.Problem?.Detail ?? "Invalid API key"} (asked {client.ApiUrl.AbsoluteUri.TrimEnd('/')}). Nothing was saved.";
            throw new CliException(ExitCodes.Authentication, cause, WhereToGetOne(client.ApiUrls));
        }
    }

    private static void CheckWays(ParseResult parse)
    {
        if (parse.GetValue(Key) is not null && parse.GetValue(WithKey))
            throw CliException.Usage("Give --key or --with-key, not both.", "See: pyresolve login --help");
        if (parse.GetValue(Email) is not null && (parse.GetValue(Key) is not null || parse.GetValue(WithKey)))
            throw CliException.Usage("Give --email or a key, not both.", "See: pyresolve login --help");
        if (parse.GetValue(Password.FromInput) && parse.GetValue(Email) is null)
            throw CliException.Usage("--password-stdin needs --email.", "Use: pyresolve login --email ada@example.com --password-stdin");
        if (parse.GetValue(PasswordSession.Code) is not null && parse.GetValue(Email) is null)
            throw CliException.Usage("--code needs --email.", "Use: pyresolve login --email ada@example.com --code 123456");
    }

    private static async Task<string> GetKeyAsync(
        Terminal terminal, ParseResult parse, LoginServer server, CancellationToken cancellationToken)
    {
        if (parse.GetValue(Key) is { } given)
        {
            terminal.Warning($"A key on the command line stays in your shell's history. Next time: {HowToPipe}");
            return given.Trim();
        }
        if (parse.GetValue(WithKey))
            return await ReadKeyAsync(terminal, cancellationToken);
        if (parse.GetValue(Email) is null && !terminal.IsInteractive && !parse.GetValue(NoBrowser))
        {
            throw CliException.Usage(
                "Cannot ask for a login: standard input is not a terminal.",
                $"Use: {HowToPipe}",
                "Or approve it in a browser elsewhere: pyresolve login --no-browser",
                "Or set PYRESOLVE_API_KEY instead.");
        }

        await using var client = server.CreateClient();
        return parse.GetValue(Email) is { } email
            ? await LogInWithPasswordAsync(terminal, parse, client, email, cancellationToken)
            : await LogInWithBrowserAsync(terminal, client, !parse.GetValue(NoBrowser), cancellationToken);
    }

    private static async Task<string> ReadKeyAsync(Terminal terminal, CancellationToken cancellationToken)
    {
        var line = terminal.IsInteractive
            ? await terminal.AskSecretAsync("Enter your API key: ", cancellationToken)
            : await terminal.Input.ReadLineAsync(cancellationToken);
        return line?.Trim() is { Length: > 0 } read
            ? read
            : throw CliException.Usage("There is no key on standard input.", $"Use: {HowToPipe}");
    }

    private static async Task<string> LogInWithBrowserAsync(
        Terminal terminal, PyResolveClient client, bool mayOpen, CancellationToken cancellationToken)
    {
        var login = await client.StartDeviceLogInAsync(
            new DeviceCodeRequest { ClientId = ClientId, Scope = string.Join(' ', Scopes.DeviceAllowed) }, cancellationToken);
        terminal.Note($"Your code: {login.UserCode}");
        var page = login.VerificationUriComplete ?? login.VerificationUri;
        var isOpen = mayOpen && Browser.TryOpen(page);
        terminal.Note(isOpen
            ? $"Approve this login in your browser. If no page opened: {page}"
            : $"Open this page in a browser, and approve: {page}");
        terminal.Note($"Waiting{terminal.Ellipsis} (Ctrl+C stops)");
        try
        {
            return (await client.WaitForDeviceLogInAsync(login, cancellationToken)).ApiKey;
        }
        catch (PyResolveException e) when (e.Code is ProblemCodes.AccessDenied or ProblemCodes.ExpiredToken)
        {
            var isDenied = e.Code == ProblemCodes.AccessDenied;
            var cause = isDenied ? "The login was denied in the browser." : "The login was not approved in time.";
            throw new CliException(ExitCodes.Authentication, $"{cause} Nothing was saved.", "Try again: pyresolve login");
        }
    }

    private static async Task<string> LogInWithPasswordAsync(
        Terminal terminal, ParseResult parse, PyResolveClient client, string email, CancellationToken cancellationToken)
    {
        var password = await Password.ReadAsync(terminal, parse, $"Password of {email}: ", cancellationToken);
        string session;
        try
        {
            session = await PasswordSession.OpenAsync(terminal, parse, client, email, password, cancellationToken);
        }
        catch (PyResolveException e) when (e.Status == 401)
        {
            throw new CliException(
                ExitCodes.Authentication, $"{e.Problem?.Detail ?? "Wrong email address or password."} Nothing was saved.",
                "Try again, or log in with a browser: pyresolve login");
        }

        var request = new CreateApiKeyRequest { Name = $"{ClientId} on {Environment.MachineName}" };
        var created = await client.CreateApiKeyAsync(request, session, cancellationToken);
        await PasswordSession.EndAsync(client, session);
        return created.ApiKey;
    }

    private static string CheckForm(string key, LoginServer server) => key.StartsWith(KeyPrefix, StringComparison.Ordinal)
        ? key
        : throw new CliException(
            ExitCodes.Authentication, "Invalid API key format. Keys start with 'pyr_live_'.", WhereToGetOne(server.Named));

    private static string[] WhereToGetOne(IReadOnlyList<Uri>? apiUrls) => apiUrls is null || apiUrls[0].Host == "api.pyresolve.dev"
        ? ["Log in with a browser: pyresolve login", "Or get your key at https://pyresolve.dev/settings"]
        :
        [
            $"Log in with a browser: pyresolve login --api-url {Argument(apiUrls)}",
            $"Or create an account, which comes with a key: pyresolve signup --api-url {Argument(apiUrls)}",
        ];

    private static string Argument(IReadOnlyList<Uri> apiUrls) =>
        string.Join(",", apiUrls.Select(static url => url.AbsoluteUri.TrimEnd('/')));
}
