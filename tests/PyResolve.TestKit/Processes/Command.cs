using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace PyResolve.TestKit;

/// <summary>The exit code and the output of a program that has ended.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>This result, or an exception that quotes what the program wrote.</summary>
    public CommandResult OrThrow(string what) => ExitCode == 0
        ? this
        : throw new InvalidOperationException($"{what} ended with exit code {ExitCode}.\n{Output}\n{Error}");
}

/// <summary>Runs a program to its end.</summary>
public static class Command
{
    /// <param name="file">A path, or a name to be found in PATH.</param>
    /// <param name="arguments">Passed as they are, without a shell.</param>
    /// <param name="environment">Added to this process's environment; a null removes a variable.</param>
    /// <param name="input">Standard input; empty by default, so that a program that asks gets an end of file.</param>
    /// <param name="workingDirectory">This process's by default.</param>
    /// <param name="interruption">Once it completes, the program is sent SIGTERM. On Linux and macOS.</param>
    /// <param name="cancellationToken">Kills the program and its children.</param>
    /// <exception cref="Win32Exception">There is no such program.</exception>
    public static async Task<CommandResult> RunAsync(
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string input = "",
        string? workingDirectory = null,
        Task? interruption = null,
        CancellationToken cancellationToken = default)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await FeedAsync(process, input, cancellationToken);
            if (interruption is not null)
            {
                await interruption.WaitAsync(cancellationToken);
                Signals.Send(process, Signals.Terminate);
            }

            await process.WaitForExitAsync(cancellationToken);
            return new CommandResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static async Task FeedAsync(Process process, string input, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended, or closed its input, before it had read everything. That is allowed.
        }
    }
}
