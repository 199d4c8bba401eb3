using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Storage;

/// <summary>
/// What the database of a Supabase project gets beside the tables: the functions, policies and triggers by which browsers and the service
/// role work on the same store as the server. The script finds out by itself where it is.
/// </summary>
internal static class SupabaseMode
{
    private const string Resource = "schema/supabase/mode.sql";

    private static readonly Lazy<string> Script = new(static () =>
    {
        using var reader = new StreamReader(typeof(SupabaseMode).Assembly.GetManifestResourceStream(Resource)!);
        var text = reader.ReadToEnd();
        // Remembered in the database, so that a start that changes nothing takes no locks.
        var version = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
        return text.Replace("{VERSION}", version, StringComparison.Ordinal);
    });

    /// <param name="session">In a transaction, after the schema is up to date and its tables are protected.</param>
    public static Task ApplyAsync(Session session, CancellationToken cancellationToken) =>
        session.ExecuteScriptAsync(Script.Value, cancellationToken);
}
