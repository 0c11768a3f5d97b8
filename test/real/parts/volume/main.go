// Writes a volume by kubelet's AtomicWriter: each line of stdin is a JSON object of file names and contents; a line of stdout tells that it stands.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"volume/util"
)

func main() {
	writer, err := util.NewAtomicWriter(os.Args[1], "volume")
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var files map[string]string
		if err := json.Unmarshal(lines.Bytes(), &files); err != nil {
			log.Fatal(err)
		}
		payload := map[string]util.FileProjection{}
		for name, text := range files {
			payload[name] = util.FileProjection{Data: []byte(text), Mode: 0o640}
		}
		if err := writer.Write(payload, nil); err != nil {
			log.Fatal(err)
		}
		fmt.Println("written")
	}
}
