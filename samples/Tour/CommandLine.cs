using System.Diagnostics;

namespace Tour;

/// <summary>Prints commands, runs them with the real <c>pyresolve</c>, and prints their output.</summary>
internal sealed class CommandLine(Narrator narrator, Workspace workspace)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    /// <param name="arguments">Separated by blanks.</param>
    /// <param name="expectedExitCode">Any other exit code fails the tour.</param>
    /// <param name="input">A file for standard input: the name to print, and the content.</param>
    public async Task RunAsync(
        string arguments, int expectedExitCode, CancellationToken cancellationToken, (string Name, string Content)? input = null)
    {
        narrator.Command($"pyresolve {arguments}{(input is { } file ? $" < {file.Name}" : "")}");
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(Programs.DotNet, [Programs.Cli, .. arguments.Split(' ')])
            {
                WorkingDirectory = workspace.Folder,
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardOutputEncoding = System.Text.Encoding.UTF8,
                StandardErrorEncoding = System.Text.Encoding.UTF8,
                Environment = { ["PYRESOLVE_HOME"] = workspace.Home },
            },
        };
        process.OutputDataReceived += (_, line) => Show(line.Data);
        process.ErrorDataReceived += (_, line) => Show(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            await process.StandardInput.WriteAsync(input?.Content);
            process.StandardInput.Close();
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            throw new TourException($"pyresolve {arguments} did not end within {Deadline.TotalMinutes} minutes.");
        }
        if (process.ExitCode != expectedExitCode)
            throw new TourException($"pyresolve {arguments} ended with exit code {process.ExitCode}; expected was {expectedExitCode}.");
    }

    private void Show(string? line)
    {
        if (line is not null)
            narrator.Output(line);
    }
}
