// The shop's models are written in Python, and shipped beside this program.
var models = System.IO.Directory.GetFiles("models", "*.py");
System.Console.WriteLine($"{models.Length} models");
