using PyResolve.Client;

namespace PyResolve.Cli.Commands;

/// <summary>A session that a password opened, for one command.</summary>
internal static class PasswordSession
{
    /// <summary>Also for a command that was interrupted. Where it fails, the session expires by itself.</summary>
    public static async Task EndAsync(PyResolveClient client, string sessionToken)
    {
        try
        {
            await client.LogOutAsync(sessionToken, CancellationToken.None);
        }
        catch (PyResolveException)
        {
            // What the session was for is done all the same.
        }
    }
}
