using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Storage;

/// <summary>
/// Adds to the database of a Supabase project, beside the tables, the functions, policies and triggers by which browsers and the service
/// role work on the same store as the server. The script finds out by itself where it is.
/// </summary>
internal static partial class SupabaseMode
{
    private const string Resource = "schema/supabase/mode.sql";

    private static readonly Lazy<string> Text = new(static () =>
    {
        using var reader = new StreamReader(typeof(SupabaseMode).Assembly.GetManifestResourceStream(Resource)!);
        return reader.ReadToEnd();
    });

    private static readonly Lazy<string> Script = new(static () =>
    {
        var text = Text.Value;
        // Remembered in the database, so that a start that changes nothing takes no locks.
        var version = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
        return text.Replace("{VERSION}", version, StringComparison.Ordinal);
    });

    public static IEnumerable<string> FunctionNames => Functions().Matches(Text.Value).Select(static match => match.Groups["name"].Value);

    /// <param name="session">In a transaction, after the schema is up to date and its tables are protected.</param>
    public static Task ApplyAsync(Session session, CancellationToken cancellationToken) =>
        session.ExecuteScriptAsync(Script.Value, cancellationToken);

    [GeneratedRegex(
        @"^\s+create or replace function %1\$I\.(?<name>[a-z_]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Functions();
}
