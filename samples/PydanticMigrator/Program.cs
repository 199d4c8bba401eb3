using System.Text;
using PydanticMigrator;

if (args is not [var folder] || folder is "-h" or "--help")
{
    Console.Error.WriteLine("""
        Rewrites pydantic 1 code to pydantic 2, in place: the .py files below a folder.

        Usage: PydanticMigrator <folder>
        """);
    return args is ["-h" or "--help"] ? 0 : 2;
}
if (!Directory.Exists(folder))
{
    Console.Error.WriteLine($"There is no folder {folder}.");
    return 2;
}
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
try
{
    new FolderMigration(Console.Out).Run(Path.GetFullPath(folder));
    return 0;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
