using PyResolve.Client;

/// <summary>The tool of the guide's examples: it acquires a permit, works, completes it, and returns an exit code and a message.</summary>
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
