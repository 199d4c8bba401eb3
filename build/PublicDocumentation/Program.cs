using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using PublicDocumentation;

// Removes from an assembly's XML documentation what is not public. The compiler writes the comments of internal code there as well, which
// those who use the package cannot see otherwise. Arguments: the assembly, its documentation.
using var file = new PEReader(File.OpenRead(args[0]));
var visible = new PublicMembers(file.GetMetadataReader());
var documentation = XDocument.Load(args[1], LoadOptions.PreserveWhitespace);
foreach (var member in documentation.Descendants("member").Where(member => !visible.Contain(member.Attribute("name")!.Value)).ToList())
{
    if (member.PreviousNode is XText space)
        space.Remove();
    member.Remove();
}

documentation.Save(args[1], SaveOptions.DisableFormatting);
