using System.Diagnostics.CodeAnalysis;
using PyResolve.Client.Wire;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Devices;

/// <summary>The scopes that a device asks for (RFC 8628, 3.1: <c>scope</c>), and what a person reads about them before approving.</summary>
internal static class DeviceScopes
{
    public const int MaxLength = 200;

    public static string Unknown { get; } = ProblemTexts.NotDeviceScopes(Scopes.DeviceAllowed);

    /// <summary>Reads the scopes of a request, each once, in the order of the documentation. Absent and empty mean the default.</summary>
    public static bool TryRead(string? text, [NotNullWhen(true)] out IReadOnlyList<string>? scopes)
    {
        var asked = (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        scopes = null;
        if (asked.Except(Scopes.DeviceAllowed, StringComparer.Ordinal).Any())
            return false;
        scopes = asked.Length == 0 ? Scopes.DeviceDefault : [.. Scopes.DeviceAllowed.Where(asked.Contains)];
        return true;
    }

    /// <summary>Reads the scopes of a stored login; null: a server that did not know scopes yet began it.</summary>
    public static IReadOnlyList<string> Parse(string? column) => column is null ? Scopes.DeviceDefault : ScopeSets.Parse(column);

    /// <summary>Describes a scope to somebody who decides whether to give it.</summary>
    public static string Describe(string scope) => scope switch
    {
        Scopes.UsageWrite => "Report usage to your account",
        Scopes.UsageRead => "See your usage: how many migrations, of which libraries, and when",
        Scopes.Quota => "Use the migrations of your plan",
        Scopes.Billing => "Change or cancel your subscription, and see your invoices and payment method",
        Scopes.Migrate => "Run migrations on this server, which use your plan’s migrations",
        _ => scope,
    };
}
