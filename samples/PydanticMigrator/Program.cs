using System.Runtime.InteropServices;
using System.Text;
using PyResolve.Migrators.Pydantic;

if (args is not [var path] || path is "-h" or "--help")
{
    Console.Error.WriteLine("""
        Rewrites pydantic 1 code to pydantic 2, in place: one .py file, or those below a folder.

        Usage: PydanticMigrator <folder or file>
        """);
    return args is ["-h" or "--help"] ? 0 : 2;
}

// The signals that `pyresolve upgrade` passes on: the file that is being written is finished first.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
try
{
    return PydanticMigration.Run(path, Console.Out, Console.Error, stop.Token);
}
catch (OperationCanceledException)
{
    return 130;
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
