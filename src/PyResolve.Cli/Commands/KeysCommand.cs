using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

/// <summary>
/// Keys are managed with a key that has the scope <c>keys</c>, which the usual ones do not have, or with the account's password.
/// </summary>
internal static class KeysCommand
{
    public const string CommandName = "keys";

    private const int MostDays = 3650;
    private const int MostGrace = 30 * 24 * 3600;

    private static readonly Argument<string> KeyId = new("id")
    {
        Description = "The key's id, the end of it, or the beginning of the key; from: pyresolve keys list",
    };

    private static readonly Option<string?> Name = new("--name") { Description = "What the key is for.", HelpName = "name" };

    private static readonly Option<string[]> Scope = new Option<string[]>("--scope")
    {
        Description = $"What the key may do; can be repeated: {string.Join(", ", Scopes.All)}. Default: everything except keys.",
        HelpName = "scope",
    }.AcceptOnlyFromAmong([.. Scopes.All]);

    private static readonly Option<int?> ExpiresInDays =
        new("--expires-in-days") { Description = "After how many days it stops working. Default: never.", HelpName = "days" };

    private static readonly Option<int?> Grace =
        new("--grace-seconds") { Description = "How long the old key goes on working. Default: not at all.", HelpName = "seconds" };

    public static Command Create(Terminal terminal)
    {
        var list = new ExplainedCommand(
            "list", "Show the account's API keys.", "pyresolve keys list", "pyresolve keys list --password-stdin --json < password.txt")
        {
            Password.FromInput, PasswordSession.Code, GlobalOptions.Json,
        };
        list.SetAction((parse, cancellationToken) => ListAsync(terminal, parse, cancellationToken));
        var create = new ExplainedCommand(
            "create", "Create an API key, which is shown only this once.",
            "pyresolve keys create --name ci --scope quota --scope usage:write", "pyresolve keys create --expires-in-days 90 > key.txt")
        {
            Name, Scope, ExpiresInDays, Password.FromInput, PasswordSession.Code, GlobalOptions.Json,
        };
        create.SetAction((parse, cancellationToken) => CreateKeyAsync(terminal, parse, cancellationToken));
        var rotate = new ExplainedCommand(
            "rotate", "Replace an API key by a new one. The new one is shown only this once.",
            "pyresolve keys rotate 3fa1c0de77b2 --grace-seconds 3600 > key.txt")
        {
            KeyId, Grace, Password.FromInput, PasswordSession.Code, GlobalOptions.Json,
        };
        rotate.SetAction((parse, cancellationToken) => RotateAsync(terminal, parse, cancellationToken));
        var revoke = new ExplainedCommand(
            "revoke", "Revoke an API key. This cannot be undone.", "pyresolve keys revoke 3fa1c0de77b2",
            "pyresolve keys revoke pyr_live_0a1b2c3d4e5")
        {
            KeyId, Password.FromInput, PasswordSession.Code, GlobalOptions.Json,
        };
        revoke.SetAction((parse, cancellationToken) => RevokeAsync(terminal, parse, cancellationToken));
        return new ExplainedCommand(
            CommandName, "List, create, rotate and revoke API keys.", "pyresolve keys list", "pyresolve keys create --name ci > key.txt")
        {
            list, create, rotate, revoke,
        };
    }

    private static Task<int> ListAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken) =>
        KeyAccess.UseAsync(terminal, parse, async (client, session) =>
        {
            var keys = await client.ListApiKeysAsync(session, cancellationToken);
            if (parse.GetValue(GlobalOptions.Json))
            {
                terminal.Exact(CliJson.Write(new KeysReport(keys)));
                return ExitCodes.Success;
            }

            var table = new Table(new("Name"), new("Id"), new("Key"), new("Last used"), new("State"));
            foreach (var key in keys)
            {
                var lastUsed = key.LastUsedAt is { } used ? used.UtcDateTime.ToString("yyyy-MM-dd", null) : "never";
                table.Add(key.Name, ShortId(key.Id), key.Prefix + terminal.Ellipsis, lastUsed, State(key));
            }
            table.Write(terminal);
            return ExitCodes.Success;
        }, cancellationToken);

    private static Task<int> CreateKeyAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var lifetime = parse.GetValue(ExpiresInDays);
        if (lifetime is < 1 or > MostDays)
        {
            throw CliException.Usage(
                $"--expires-in-days {lifetime} is not between 1 and {MostDays}.", "Give a number of days, such as 90.");
        }

        return KeyAccess.UseAsync(terminal, parse, async (client, session) =>
        {
            var request = new CreateApiKeyRequest
            {
                Name = parse.GetValue(Name),
                Scopes = parse.GetValue(Scope) is { Length: > 0 } scopes ? scopes : null,
                ExpiresAt = lifetime is { } days ? TimeProvider.System.GetUtcNow().AddDays(days) : null,
            };
            var key = await client.CreateApiKeyAsync(request, session, cancellationToken);
            Show(terminal, parse, new(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.ApiKey, PreviousExpiresAt: null));
            return ExitCodes.Success;
        }, cancellationToken);
    }

    private static Task<int> RotateAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var grace = parse.GetValue(Grace);
        if (grace is < 0 or > MostGrace)
        {
            throw CliException.Usage(
                $"--grace-seconds {grace} is not between 0 and {MostGrace}.", "Give a number of seconds, such as 3600.");
        }

        return KeyAccess.UseAsync(terminal, parse, async (client, session) =>
        {
            var id = await FindAsync(client, parse, session, cancellationToken);
            var key = await client.RotateApiKeyAsync(
                id, new RotateApiKeyRequest { GraceSeconds = grace }, session, cancellationToken);
            Show(terminal, parse, new(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.ApiKey, key.PreviousExpiresAt));
            return ExitCodes.Success;
        }, cancellationToken);
    }

    private static Task<int> RevokeAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken) =>
        KeyAccess.UseAsync(terminal, parse, async (client, session) =>
        {
            var id = await FindAsync(client, parse, session, cancellationToken);
            await client.RevokeApiKeyAsync(id, session, cancellationToken);
            if (parse.GetValue(GlobalOptions.Json))
                terminal.Exact(CliJson.Write(new RevokedKeyReport(id)));
            else
                terminal.Success($"Revoked {id}");
            return ExitCodes.Success;
        }, cancellationToken);

    /// <summary>A key is named by its id, by the beginning of its id, or by the beginning of the key itself.</summary>
    private static async Task<Guid> FindAsync(
        PyResolveClient client, ParseResult parse, string? session, CancellationToken cancellationToken)
    {
        var text = parse.GetRequiredValue(KeyId);
        if (Guid.TryParse(text, out var whole))
            return whole;
        var keys = await client.ListApiKeysAsync(session, cancellationToken);
        var found = keys.Where(key => text.Length >= 4
            && (key.Id.ToString().EndsWith(text, StringComparison.OrdinalIgnoreCase)
                || key.Prefix.StartsWith(text, StringComparison.Ordinal)
                || text.StartsWith(key.Prefix, StringComparison.Ordinal))).ToList();
        return found switch
        {
            [var one] => one.Id,
            [] => throw new CliException(ExitCodes.Failure, $"There is no key '{text}'.", "See: pyresolve keys list"),
            _ => throw CliException.Usage($"'{text}' matches {found.Count} keys.", "Give the whole id, from: pyresolve keys list --json"),
        };
    }

    private static void Show(Terminal terminal, ParseResult parse, NewKeyReport key)
    {
        if (parse.GetValue(GlobalOptions.Json))
        {
            terminal.Exact(CliJson.Write(key));
            return;
        }

        // Alone on standard output, so that it can be piped to where it is kept.
        terminal.Exact(key.ApiKey);
        terminal.Note($"{key.Name}: {string.Join(", ", key.Scopes)}");
        if (key.ExpiresAt is { } end)
            terminal.Note($"It works until {QuotaText.FormatTime(end)}.");
        if (key.PreviousExpiresAt is { } previous)
            terminal.Note($"The old key works until {QuotaText.FormatTime(previous)}.");
        terminal.Note("Keep it now: it is not shown again.");
    }

    /// <summary>The last part of an id tells keys apart; the first is the time.</summary>
    private static string ShortId(Guid id) => id.ToString()[^12..];

    private static string State(ApiKeyInfo key) => key switch
    {
        { RevokedAt: not null } => "revoked",
        { ExpiresAt: { } end } when end <= TimeProvider.System.GetUtcNow() => "expired",
        { ExpiresAt: { } end } => $"until {end.UtcDateTime:yyyy-MM-dd}",
        _ => "active",
    };
}
