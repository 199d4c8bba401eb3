using PyResolve.Migrators.Protocol;

namespace PyResolve.Migrators.Pydantic;

/// <summary>The migration as a program: exit codes, and messages to the command line that started it.</summary>
internal static class PydanticMigration
{
    /// <param name="path">A folder, or one file.</param>
    /// <param name="cancellationToken">Stops after the file that is being written.</param>
    /// <returns>0; 1 when a file could not be written, or the command line that started this program has ended.</returns>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static int Run(string path, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(path) && !File.Exists(path))
        {
            error.WriteLine($"There is no folder or file {path}.");
            return 2;
        }
        try
        {
            using var channel = MigratorChannel.Open();
            new FolderMigration(output, channel, FileSelection.FromEnvironment()).Run(Path.GetFullPath(path), cancellationToken);
            return 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            error.WriteLine(e.Message);
            return 1;
        }
    }
}
