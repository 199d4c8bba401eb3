using PyResolve.Client;

/// <summary>
/// A tool as the guide's examples have it: it takes a permit, works, completes it, and answers with an exit code and a message.
/// </summary>
internal static class Tool
{
    public static async Task<(int ExitCode, string Output)> RunAsync(PyResolveClient pyresolve)
    {
        await using var permit = await pyresolve.Quota.AcquireAsync(new("pydantic"));
        if (!permit.IsGranted)
            return (3, permit.Denial.Message);
        await permit.CompleteAsync(new() { FilesChanged = 2 });
        return (0, "Upgraded pydantic.");
    }
}
