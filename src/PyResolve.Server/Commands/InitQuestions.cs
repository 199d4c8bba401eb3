using PyResolve.Client;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Commands;

/// <summary>What the switches of <c>init</c> say. On a terminal the rest is asked for, elsewhere the answer names the switch.</summary>
internal sealed record InitQuestions(string File, string? Database, string? Data, string? Listen, string? Url, string? Operator)
{
    private const int Attempts = 3;

    /// <returns>Either the server or what is wrong.</returns>
    public async Task<(NewServer? Server, string? Problem)> AskAsync()
    {
        if (Database is not null && Data is not null)
            return (null, "--database names PostgreSQL, and --data the folder of the embedded database: take one of them.");
        // What the environment says now is for this server too.
        var listen = Listen ?? Variable("ASPNETCORE_URLS") ?? (Variable("PORT") is { } port ? $"http://*:{port}" : NewServer.DefaultListen);
        var listenSource = Listen is not null ? "--listen" : Variable("ASPNETCORE_URLS") is not null ? "ASPNETCORE_URLS" : "PORT";
        if (FindProblem(listen, listenSource) is { } problem)
            return (null, problem);
        var database = Database ?? (Data is null ? Variable("DATABASE_URL") : null);
        var data = Path.GetFullPath(Data ?? Variable("PYRESOLVE_DATA") ?? Path.Combine(Path.GetDirectoryName(File)!, "data"));

        var email = Operator ?? await AskAsync("Email address of the first operator: ", static answer => Check(answer) is null);
        if (email is null)
            return (null, "--operator is missing: the email address of the first operator.");
        if (Check(email) is { } wrong)
            return (null, wrong);
        var url = Url ?? Variable("PYRESOLVE_PUBLIC_URL")
            ?? (IsForThisMachine(listen)
                ? Addresses(listen)[0].TrimEnd('/')
                : await AskAsync("Address that people see, such as https://billing.example.com: ", IsUrl));
        if (url is null)
        {
            return (null, $"--url is missing: the server listens on {listen} for other machines. It is the address that people see, such "
                + "as https://billing.example.com.");
        }

        return IsUrl(url) && !IsSafe(url)
            ? (null, $"--url {url} is not https://, and passwords are taken over https alone. Put a proxy with a certificate in front of "
                + "the server, and name its address.")
            : (new NewServer(File, database, data, listen, url, EmailAddresses.Parse(email)!), null);
    }

    private static string? Check(string email)
    {
        var errors = new FieldErrors();
        errors.Email("email", email);
        return errors.Problem is null ? null : $"--operator {email} is no email address, such as ada@example.com.";
    }

    private static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0;

    private static bool IsSafe(string url) => new Uri(url) is { } parsed && (parsed.Scheme == Uri.UriSchemeHttps || Loopback.Is(parsed));

    private static string? FindProblem(string listen, string source)
    {
        if (Array.Find(Addresses(listen), static one => !ListeningAddress.IsValid(one)) is not { } wrong)
            return null;
        return ListeningAddress.IsHttps(wrong)
            ? $"{source}: {wrong} {ListeningAddress.IsNotHttp}"
            : $"{source}: {wrong} is not a listening address. Examples: {NewServer.DefaultListen}, http://*:8000";
    }

    private static bool IsForThisMachine(string listen) => Array.TrueForAll(
        Addresses(listen), static one => !BindingAddress.Parse(one).IsUnixPipe && !SettingsReview.IsPublic(one));

    private static string[] Addresses(string listen) => listen.Split(';');

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name)?.Trim() is { Length: > 0 } value ? value : null;

    /// <returns>null: nobody is there to answer, or has no answer.</returns>
    private static async Task<string?> AskAsync(string question, Func<string, bool> isAnswer)
    {
        for (var attempt = 0; attempt < Attempts && !Console.IsInputRedirected; attempt++)
        {
            await Console.Error.WriteAsync(question);
            if (await Console.In.ReadLineAsync() is not { } line)
                break;
            if (isAnswer(line.Trim()))
                return line.Trim();
            if (attempt + 1 < Attempts)
                await Console.Error.WriteLineAsync("That is not valid. Try again:");
        }

        return null;
    }
}
